import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { git, type LocalGitWorld, openLocalGitWorld } from './world.ts';

const cases = 20;
const never = new AbortController().signal;

let world: LocalGitWorld;
beforeAll(async () => {
  world = await openLocalGitWorld();
  await git(`--git-dir=${world.repository.location}`, 'config', 'core.logAllRefUpdates', 'always');
});
afterAll(() => world.close());

test('a branch that a person has pushed to is never moved from under them', async ({ expect }) => {
  const refusals: string[] = [];
  let pushes = 0;
  let made = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 2, maxLength: 4 }), async (persons) => {
      const branch = `shipmate/case-${made++}`;
      const first = await world.commit();
      const push = (commit: string, expected: string | null) =>
        world.host.pushBranch(world.repository, { gitDir: world.gitDir, branch, commit, expected }, never);
      await push(first, null);
      // Everybody saw the first commit, and then pushes at the same time.
      const acts = persons.map(async (isPerson) => {
        const commit = await world.commit();
        if (isPerson) await git('--git-dir', world.gitDir, 'push', '--quiet', '--force', ...target(branch, commit));
        else {
          pushes += 1;
          await push(commit, first).catch((error: unknown) => {
            if (!(error instanceof VendorError) || error.retryable) throw error;
            refusals.push(error.code);
          });
        }
        return { commit, isPerson };
      });
      const settled = await Promise.allSettled(acts);
      const done = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      const own = new Set(done.filter(({ isPerson }) => !isPerson).map(({ commit }) => commit));
      const log = await git(
        `--git-dir=${world.repository.location}`,
        'log',
        '-g',
        '--format=%H',
        `refs/heads/${branch}`,
      );
      const history = log.split('\n').toReversed();
      for (const [index, commit] of history.entries())
        if (own.has(commit)) expect(history[index - 1], 'what ours replaced').toBe(first);
    }),
    { numRuns: cases },
  );
  console.log(`${cases} cases: ${pushes} pushes of ours, ${refusals.length} refused`);
  expect(new Set(refusals)).toEqual(new Set(['conflict']));
});

function target(branch: string, commit: string): string[] {
  return [world.repository.location, `${commit}:refs/heads/${branch}`];
}
