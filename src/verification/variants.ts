import { isOfTests, roleOf } from './roles.ts';
import type { RunnerDefinition } from './runner-definition.ts';
import { type Change, filesOf, type Overlay, type Side } from './trees.ts';

/** A tree to run the commands in. */
export interface Variant {
  side: Side;
  overlay: Overlay[];
  files: { path: string; content: string }[];
}

export interface Variants {
  /** The change with the base's definition of how tests are run. */
  head: Variant;
  /** The change exactly as it would be pushed; null when `head` is that. */
  asPushed: Variant | null;
  /** The same as `head` with exactly the base's tests; null when the change leaves those alone. */
  baseTests: Variant | null;
  /** The base with the change's tests; null when none is new or changed. */
  reproduction: Variant | null;
}

/** Decides what has to be run for a change: one tree at least, four at most. */
export function planVariants(changes: Change[], definition: RunnerDefinition): Variants {
  const files = changes.flatMap(filesOf).filter(({ path }) => isOfTests(path));
  const put = (side: Side): Overlay[] =>
    files.map(({ path, onBase, onHead }) => ({ path, from: (side === 'base' ? onBase : onHead) ? side : 'absent' }));
  const touchesRunner = definition.overlay.length > 0 || definition.files.length > 0;
  const { overlay } = definition;
  const head: Variant = { side: 'head', overlay, files: definition.files };
  return {
    head,
    asPushed: touchesRunner ? { side: 'head', overlay: [], files: [] } : null,
    baseTests: files.some(({ onBase }) => onBase) ? { ...head, overlay: [...overlay, ...put('base')] } : null,
    reproduction: files.some(({ path, onHead }) => onHead && roleOf(path) === 'test')
      ? { side: 'base', overlay: put('head'), files: [] }
      : null,
  };
}
