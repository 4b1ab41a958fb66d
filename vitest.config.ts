import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes long: played a thousand times, over many tickets, once more for another tracker, through kills and outages, or with registries: `npm run test:proofs`. */
const proofs = [
  'test/cli/{handoff,operations,scope}.test.ts',
  'test/crash/resume.test.ts',
  'test/e2e/{approval,bad-input-*,browser,clock,context,corrections,database-away,dependencies*,deploy,follow-up,kill,leaves,limits}.test.ts',
  'test/e2e/github-{bad-input,killed}.test.ts',
  'test/e2e/jira-{bad-day,dependencies,frugal,github,killed}.test.ts',
  'test/e2e/linear-{bad-answers,bad-tickets,dependencies,elsewhere,frugal,killed,webhooks,workspaces}.test.ts',
  'test/e2e/{overdue,own-work,poisoned,retention,takeover,wire-formats}.test.ts',
  'test/flow/{any-order,conversations}.test.ts',
  'test/packing.test.ts',
  'test/two-workers/{frozen,hosts}.test.ts',
  'test/workspaces/setup.test.ts',
];

/** What takes longest, and mostly waits. Begun first, it runs beside all the rest instead of after it. */
const long = [
  '/chaos/',
  '/e2e/github-killed',
  '/e2e/github-bad-input',
  '/flow/any-order',
  '/flow/conversations',
  '/crash/',
  '/two-workers/',
  '/e2e/',
  '/cli/',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = long.findIndex((part) => moduleId.includes(part));
      return found === -1 ? long.length : found;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

const isProofs = process.env.PROOFS === '1';

export default defineConfig({
  test: {
    ...(isProofs
      ? { include: proofs }
      : { include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...proofs] }),
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 4,
    isolate: false, // a process for each file costs more than most files do; what a file changes, it puts back
    sequence: { sequencer: LongestFirst },
    expect: { poll: { timeout: 20_000, interval: 20 } },
    reporters: ['default'],
  },
});
