import type { Reproduction } from './reproduction.ts';

/** Numbers of tests as a runner reported them; null where the runner is not known. */
export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Something a person can check. `where` says on which commit: the base branch or the change. */
export type Evidence =
  | {
      type: 'command';
      name: string;
      command: string;
      where: 'base' | 'head' | 'reproduction';
      exitCode: number | null;
      durationMs: number;
      tests: TestCounts | null;
      /** Head and tail of the output; at most 4 kB. */
      log: string;
    }
  /** `shown`: an image that the model was shown, by the hash of its content. */
  | { type: 'file'; name: string; mediaType: string; bytes: number; path: string; shown?: string }
  | { type: 'link'; name: string; url: string };

export type CommandEvidence = Extract<Evidence, { type: 'command' }>;

export type ProofVerdict = 'proved' | 'unproved' | 'regressed';

/** What verification found. `findings` are sentences for the model and for people; when proved, remarks only. */
export interface Proof {
  verdict: ProofVerdict;
  findings: string[];
  evidence: Evidence[];
  testsBefore: TestCounts | null;
  testsAfter: TestCounts | null;
  /** A new test that was red on the base and is green on the change. */
  reproduced: boolean;
  /** How; missing where an older version wrote it. */
  reproduction?: Reproduction | null;
}

/** What came of a command, for people. */
export function describeResult({ where, exitCode, tests }: CommandEvidence): string {
  if (exitCode === null) return 'killed';
  if (tests === null && (exitCode === 126 || exitCode === 127)) return 'could not be started';
  if (exitCode === 0) return 'passed';
  return where === 'reproduction' ? `failed (${exitCode}), as it should` : `failed (${exitCode})`;
}

export function describeCounts(tests: TestCounts | null): string {
  if (tests === null) return '–';
  const { passed, failed, skipped } = tests;
  return [`${passed} passed`, failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : '']
    .filter((part) => part !== '')
    .join(', ');
}
