import { describe, test } from 'vitest';
import { categoryOf, isOfPeople, stateFor, statesIn } from '../../../src/trackers/linear/states.ts';

const state = (name: string, position: number, type = 'started') => ({ id: name, name, type, position });
type Rule = [event: string, state: string | null, branch?: string];
const team = (names: string[], rules: Rule[] = []) =>
  statesIn({
    states: { nodes: [state('Todo', 0, 'unstarted'), ...names.map((name, index) => state(name, index + 1))] },
    gitAutomationStates: {
      nodes: rules.map(([event, id, branch]) => ({
        event,
        state: id === null ? null : { id },
        targetBranch: branch === undefined ? null : { id: branch },
      })),
    },
  });

describe('the state for review', () => {
  test.for<{ names: string[]; rules?: Rule[]; found: string | null }>([
    { names: ['Doing', 'In Review'], found: 'In Review' },
    { names: ['Doing', 'In Review', 'Preview'], found: 'In Review' },
    { names: ['Doing', 'Ready for review', 'Reviewed'], found: 'Ready for review' },
    { names: ['Doing', 'Code review', 'In review'], found: 'Code review' },
    { names: ['Doing', 'Preview', 'Reviewed'], found: null },
    { names: ['In Arbeit', 'Prüfung'], found: null },
    { names: ['In Arbeit', 'Prüfung'], rules: [['review', 'Prüfung']], found: 'Prüfung' },
    { names: ['Doing', 'In Review', 'Checked'], rules: [['review', 'Checked']], found: 'Checked' },
    { names: ['Doing', 'Checked', 'In Review'], rules: [['merge', 'Checked']], found: 'In Review' },
    { names: ['Doing', 'In Review'], rules: [['review', null]], found: 'In Review' },
    { names: ['Doing', 'In Review'], rules: [['review', 'Doing']], found: 'In Review' },
    { names: ['Doing'], rules: [['review', 'Doing']], found: null },
    {
      names: ['Doing', 'Staging', 'Checked'],
      rules: [
        ['review', 'Staging', 'release'],
        ['review', 'Checked'],
      ],
      found: 'Checked',
    },
  ])('$names with $rules: $found', ({ names, rules = [], found }, { expect }) => {
    const states = team(names, rules);
    expect(stateFor('review', states)?.name ?? null).toBe(found);
    expect(stateFor('started', states)?.name).toBe(names[0]);
    const reviewed = states.filter((each) => categoryOf(each) === 'review').map(({ name }) => name);
    expect(reviewed.includes(String(found))).toBe(found !== null);
    if (rules.some(([event, id]) => event === 'review' && id === found)) expect(reviewed).toEqual([found]);
  });
});

test('states between the first and the one for review are for people to choose', ({ expect }) => {
  const states = team(['Doing', 'Blocked', 'In Review', 'QA']);
  expect(states.filter((each) => isOfPeople(each, states)).map(({ name }) => name)).toEqual(['Blocked', 'QA']);
});
