import type { Concern } from './capture.ts';
import { framesIn } from './error-frames.ts';

/** Of the code that it is about, each once; where nobody says, that its error went through, as that has them. */
export function pathsOf({ places, error }: Concern): string[] {
  const named = places.length > 0 ? places : framesIn(error?.output ?? '');
  return [...new Set(named.map(({ path }) => path))];
}
