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
  | { type: 'file'; name: string; mediaType: string; bytes: number; path: string }
  | { type: 'link'; name: string; url: string };

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
}
