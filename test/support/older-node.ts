import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The oldest Node.js on PATH, from 20 on: what people have, and what their MCP clients start our tool servers with. Where
 * there is none older than the one that runs the tests, that one, and the output says so.
 */
export function findOlderNode(): { path: string; version: string } {
  const found = [{ path: process.execPath, version: process.versions.node }];
  for (const folder of new Set((process.env.PATH ?? '').split(delimiter))) {
    const path = join(folder, 'node');
    try {
      accessSync(path, constants.X_OK);
      found.push({ path, version: execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim() });
    } catch {
      // not there, or not for this machine
    }
  }
  const usable = found
    .filter(({ version }) => major(version) >= 20)
    .sort((a, b) => major(a.version) - major(b.version));
  const oldest = usable[0] ?? { path: process.execPath, version: process.versions.node };
  if (major(oldest.version) >= 24) console.log(`No Node.js older than 24 on PATH: tested with ${oldest.version} only.`);
  return oldest;
}

export function major(version: string): number {
  return Number.parseInt(version, 10);
}
