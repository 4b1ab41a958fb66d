import { test } from 'vitest';
import { inheritedFields } from '../../src/core/inherited-facts.ts';
import type { Rating } from '../../src/core/scope.ts';
import {
  introduceProposal,
  introduceSplit,
  writeMissing,
  writeRating,
  writeWaiting,
} from '../../src/core/scope-text.ts';
import type { TicketHint } from '../../src/core/ticket.ts';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';

const rating: Rating = { confidence: 'yellow', size: 'M', files: [], plan: [], questions: [], parts: [] };
const hint: TicketHint = {
  ...{ tracker: 'board', id: '7', identifier: 'SHOP-7', title: 'A', url: '', priority: 'none', team: null },
  ...{ project: null, ref: null },
};
const nothing = { estimate: null, overlaps: [] };

test('a rating is short, whatever the model writes: it notifies nobody and hides nothing', ({ expect }) => {
  const files = Array.from({ length: 200 }, (_, index) => `src/\`${index}\`.ts`);
  const plan = Array.from({ length: 50 }, () => 'step '.repeat(200));
  const text = writeRating(
    { ...rating, files, plan, questions: ['Ask @ada\u202e\n# Approved', '<!-- hidden -->Is it #12?'] },
    { estimate: null, overlaps: [{ session: hint, files, isEarlier: false }] },
  );
  expect(text.length).toBeLessThan(12_000);
  expect(text).toContain("`src/'14'.ts` and 185 more.");
  expect(text).toContain('- Ask `@ada` # Approved\n- Is it ');
  expect(text).not.toMatch(/[\u202e]|hidden/);
  expect(text).toMatch(/SHOP-7 is being worked on at the same time and touches `src\/'0'\.ts`/);
});

test('a red ticket gets one list of what is missing, and a way on', ({ expect }) => {
  expect(writeMissing({ ...rating, confidence: 'red', questions: ['Which?'] }, ['Acceptance criteria'])).toBe(
    '**Rated red, size M**: something is missing before work can begin.\n\n' +
      'What is missing:\n- Which?\n- Acceptance criteria\n\n' +
      'Answer here or edit the ticket, and I rate it again. Nothing was changed.',
  );
  expect(writeMissing({ ...rating, confidence: 'red' }, [])).toContain('Say more of what is wanted.');
  expect(writeMissing({ ...rating, confidence: 'green' }, [])).toContain('say "continue", and I begin.');
});

test('above a proposal stands how it is rated, and nothing that the proposal says itself', ({ expect }) => {
  const part = { title: 'The table', description: 'Holds it.', repository: null, after: [] };
  expect(introduceProposal({ ...rating, plan: ['Write it.'], parts: [part], questions: ['Which?'] }, nothing)).toBe(
    '**Rated yellow, size M**: it can be done; some of it is uncertain.\n\nOpen questions:\n- Which?\n\n' +
      'Estimate: there is nothing to compare with yet; it takes three finished tickets.',
  );
});

test('the parts of a split inherit what restricts its ticket, and people are told before they approve it', ({
  expect,
}) => {
  const names = { ...defaultFieldNames, risk: ['Gefahr', 'Risk'], deadline: [] };
  const description =
    '## Allowed paths\n- `src/**`\n- **/*.test.ts\n\n## Approval\nplan\n\n## Gefahr\nMoney.\n\n# Repository\nweb';
  const ticket = {
    description,
    fields: { 'verify with': '- `grep -c "a  b" @x/y`\n- npm test', deadline: '2026-12-31' },
  };
  const facts = readFacts(ticket, names);
  const fields = inheritedFields(facts, names);
  expect(fields).toEqual({
    'Allowed paths': 'src/**\n**/*.test.ts',
    'Exit commands': 'grep -c "a  b" @x/y\nnpm test',
    Approval: 'plan',
    Gefahr: 'Money.',
    deadline: '2026-12-31',
  });
  const mine = { repository: facts.repository };
  expect({ ...readFacts({ description: '## Allowed paths\n**', fields }, names), ...mine }).toEqual(facts);
  const files = Array.from({ length: 50 }, () => 'x'.repeat(500));
  const text = introduceSplit({ ...rating, files, questions: ['Which?'] }, nothing, facts);
  const line =
    '\n\nWhat this ticket says of allowed paths, exit commands, approval, risk and deadline holds for each part.\n\n';
  expect(text).toContain(line);
  expect(text.indexOf(line), 'where a long introduction is not cut').toBeLessThan(3_500);
  const plain = readFacts({ description: 'Totals.', fields: {} }, names);
  expect(introduceSplit(rating, nothing, plain)).toBe(introduceProposal(rating, nothing));
});

test('who waits says for whom', ({ expect }) => {
  expect(writeWaiting(rating, nothing, [hint])).toContain('I wait until the work on SHOP-7 rests');
});
