import { z } from 'zod';
import { key } from '../lib/documented-key.ts';
import { byPreference } from '../trackers/definition.ts';

/** Keys that name a tracker, of those there are; the first of these is always there. */
export function trackerKeys([first, ...others]: readonly [string, ...string[]]) {
  const kinds: [string, ...string[]] = [first, ...others];
  const quoted = kinds.map((kind) => `\`${kind}\``);
  const [last, ...before] = quoted.toReversed();
  const accepts = before.length === 0 ? quoted.join() : `${before.toReversed().join(', ')} or ${last}`;
  const [preferred = '', ...next] = byPreference(quoted);
  return {
    /** Where work is looked for and filed. */
    named: (meaning: string) => key(z.enum(kinds).default(first), accepts, meaning),
    chosen: (meaning: string) =>
      key(
        z.enum(kinds).nullable().default(null),
        `${accepts}, or null`,
        meaning,
        [`${preferred} where it is connected`, ...next].join(', else '),
      ),
  };
}

export type TrackerKeys = ReturnType<typeof trackerKeys>;
