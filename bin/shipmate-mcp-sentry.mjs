#!/usr/bin/env node
// Plain JavaScript for Node.js 20 and newer: MCP clients start this with the Node.js that the person has.
import { fileURLToPath } from 'node:url';
import { entryFile, isRelaunched, launch } from './launch.mjs';
import { checkReady, explain } from './ready.mjs';

const entry = 'mcp-servers/sentry/index';
const here = entryFile(entry).endsWith('.js') || Boolean(process.features.typescript);

const problems = isRelaunched ? [] : checkReady({ node: !here, database: false });
if (problems.length > 0) {
  process.stderr.write(explain(problems));
  process.exitCode = 1;
} else {
  await launch({ entry, self: fileURLToPath(import.meta.url), here });
}
