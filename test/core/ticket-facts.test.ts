import { describe, test } from 'vitest';
import { defaultFieldNames, readFacts } from '../../src/core/ticket-facts.ts';

const facts = (ticket: { fields?: Record<string, string>; description?: string }) =>
  readFacts({ fields: {}, description: '', ...ticket }, defaultFieldNames);

describe('what a ticket says of the work', () => {
  test('is read from its custom fields, whatever their letter case', ({ expect }) => {
    const fields = {
      'acceptance CRITERIA': '- [ ] The total is right\n2. It is tested\n\n* It is documented',
      'Base branch': ' release ',
      allowedPaths: '`src/**`\ntest/**',
      'Exit commands': '$ npm run lint',
      Approval: 'plan',
    };
    expect(facts({ fields })).toMatchObject({
      acceptanceCriteria: ['The total is right', 'It is tested', 'It is documented'],
      base: 'release',
      allowedPaths: ['src/**', 'test/**'],
      exitCommands: ['npm run lint'],
      approval: 'plan',
      repository: null,
    });
  });

  test('or under a heading of its description, to the next one', ({ expect }) => {
    const description = 'Totals.\n\n## Acceptance criteria\n\n- One\n- Two\n\n**Risk**\nMoney.\n\n# Else\n- Three';
    expect(facts({ description })).toMatchObject({ acceptanceCriteria: ['One', 'Two'], risk: 'Money.' });
  });

  test('a field wins over a heading; an empty one does not', ({ expect }) => {
    const description = '## Risk\nFrom the heading.';
    expect(facts({ description, fields: { Risk: 'From the field.' } }).risk).toBe('From the field.');
    expect(facts({ description, fields: { Risk: '  ' } }).risk).toBe('From the heading.');
  });
});
