import { WorkspaceError } from './workspace-error.ts';

/** A git bundle (version 2), taken apart: what must be there already, what it brings, and the pack itself. */
export interface Bundle {
  prerequisites: string[];
  refs: { sha: string; name: string }[];
  pack: Uint8Array;
}

/**
 * Bundles come out of a sandbox, so nothing in one is believed: the pack goes to `git index-pack --strict`, and refs are
 * made by us from ids that we compare.
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bundle: Bundle = { prerequisites: [], refs: [], pack: new Uint8Array() };
  const signature = '# v2 git bundle\n';
  if (data.subarray(0, signature.length).toString('latin1') !== signature) throw bad('it does not begin as one');
  for (let start = signature.length; ; ) {
    const end = data.indexOf(10, start);
    if (end === -1 || end - start > 4096) throw bad('its header has no end');
    const line = data.subarray(start, end).toString('latin1');
    start = end + 1;
    if (line === '') return { ...bundle, pack: data.subarray(start) };
    const found = /^(-?)([0-9a-f]{40})(?: (.*))?$/.exec(line);
    if (!found?.[2]) throw bad(`its header says ${JSON.stringify(line.slice(0, 100))}`);
    if (found[1] === '-') bundle.prerequisites.push(found[2]);
    else bundle.refs.push({ sha: found[2], name: found[3] ?? '' });
  }
}

/** A bundle of one commit on another, made on our side. */
export function makeBundle(base: string, commit: string, pack: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`# v2 git bundle\n-${base}\n${commit} refs/snapshot\n\n`), pack]);
}

function bad(why: string): WorkspaceError {
  return new WorkspaceError('bad_bundle', `The workspace handed over something that is not a git bundle: ${why}.`);
}
