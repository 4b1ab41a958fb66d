import { expect, test } from 'vitest';
import type { LinearClient } from '../../../src/trackers/linear/client.ts';
import type { IssueNow } from '../../../src/trackers/linear/writing/look.ts';
import { type Memory, memoryOf } from '../../../src/trackers/linear/writing/memory.ts';

function memory(): Memory {
  const client: LinearClient = { request: () => Promise.reject(new Error('nothing is asked')) };
  return memoryOf(client);
}

const todo: IssueNow = { id: 'issue', stateId: 'todo', teamId: 'eng', delegateId: 'shipmate', isMentioned: true };
const { isMentioned: _, ...asTold } = todo;

test.for([
  ['its state', { stateId: 'done' }],
  ['its team', { teamId: 'ops' }],
  ['who has it', { delegateId: null }],
] as const)('an event that tells of another %s makes an issue be looked at', ([, change]) => {
  const known = memory();
  known.see(todo);
  known.told(asTold);
  expect(known.seen('issue'), 'as our own change comes back').toEqual(todo);
  known.told({ ...asTold, ...change });
  expect(known.seen('issue')).toBe(null);
  known.told(asTold);
  expect(known.seen('issue'), 'events come in any order').toBe(null);
});

test('a reading counts from when it was asked for, and knows as much of a mention as was known', () => {
  const known = memory();
  const asked = performance.now();
  known.see({ ...todo, stateId: 'started' });
  known.see({ ...todo, isMentioned: null }, asked - 1);
  expect(known.seen('issue')?.stateId, 'written meanwhile').toBe('started');
  known.see({ ...todo, isMentioned: null });
  expect(known.seen('issue')).toEqual(todo);
  known.unsee('issue');
  known.see(todo, asked);
  expect(known.seen('issue'), 'told of meanwhile').toBe(null);
  const old = memory();
  old.see(todo, performance.now() - 31_000);
  expect(old.seen('issue')).toBe(null);
});
