import type { SandboxKind } from '../../src/sandboxes/index.ts';
import { whyNoBubblewrap } from '../sandboxes/support.ts';

const reason = await whyNoBubblewrap();
if (reason !== null) console.warn(`Workspaces are not tested with bubblewrap here: ${reason}`);

/** The drivers that work on this machine. */
export const kinds: SandboxKind[] = reason === null ? ['bubblewrap', 'none'] : ['none'];
/** The best of them. */
export const kind: SandboxKind = kinds[0] ?? 'none';
