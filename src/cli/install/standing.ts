/**
 * How a file, or our entry in one, stands to what we would write. `edited`: ours, changed by people since; `theirs`: of the same name and not ours;
 * `broken`: cannot be read as what it should be. Only `missing` and `old` are written unasked.
 */
export interface Standing {
  is: 'current' | 'missing' | 'old' | 'edited' | 'theirs' | 'broken';
  /** The whole file, as it should be; null: nothing can be written there. */
  text: string | null;
  /** What is wrong, for people. */
  why?: string;
}
