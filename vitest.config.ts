import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What waits for outages, installs packages or starts many processes, for up to a minute each: `npm run test:proofs`. */
const proofs = [
  'test/crash/resume.test.ts',
  'test/e2e/{bad-input-disk,clock,database-away,deploy,kill,leaves,overdue,poisoned,retention}.test.ts',
  'test/e2e/{takeover,wire-formats}.test.ts',
  'test/packing.test.ts',
  'test/two-workers/hosts.test.ts',
  'test/workspaces/setup.test.ts',
];

/** What takes longest, and mostly waits. Begun first, it runs beside all the rest instead of after it. */
const long = ['/chaos/', '/crash/', '/flow/any-order', '/flow/conversations', '/two-workers/', '/e2e/'];

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
    maxWorkers: isProofs ? 5 : 4,
    isolate: false, // a process for each file costs more than most files do; what a file changes, it puts back
    sequence: { sequencer: LongestFirst },
    expect: { poll: { timeout: 20_000, interval: 20 } },
    reporters: ['default'],
  },
});
