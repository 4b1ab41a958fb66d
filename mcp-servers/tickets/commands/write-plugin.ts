import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pluginFiles } from './plugin.ts';

const root = join(import.meta.dirname, '../../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = join(import.meta.dirname, '../plugin');

rmSync(folder, { recursive: true, force: true });
for (const [path, text] of Object.entries(pluginFiles(version, readFileSync(join(root, 'LICENSE'), 'utf8')))) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
