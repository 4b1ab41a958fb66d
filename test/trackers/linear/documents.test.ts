import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'vitest';
import { validateDocument } from '../../stand-ins/linear/schema.ts';

const folder = resolve(import.meta.dirname, '../../../src/trackers/linear');

test('every document that is the same each time is valid by the schema of the installed SDK', async ({ expect }) => {
  const documents: [string, string][] = [];
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const exported: Record<string, unknown> = await import(join(folder, file));
    for (const [name, text] of Object.entries(exported))
      if (name.endsWith('Document') && typeof text === 'string') documents.push([`${file} ${name}`, text]);
  }
  expect(documents.length).toBeGreaterThan(5);
  const wrong = documents.flatMap(([name, text]) => validateDocument(text).map((problem) => `${name}: ${problem}`));
  expect(wrong).toEqual([]);
});
