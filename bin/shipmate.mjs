#!/usr/bin/env node
// Plain JavaScript for Node.js 18 and newer: says what is missing, then runs src/main with a Node.js that can.
import { fileURLToPath } from 'node:url';
import { isRelaunched, launch } from './launch.mjs';
import { checkReady, explain, findNode, readySandbox } from './ready.mjs';

const [command = '--help', ...rest] = process.argv.slice(2);
const help = command.startsWith('-') || command === 'help' || rest.includes('--help') || rest.includes('-h');
const doctor = command === 'doctor'; // tells of the database itself
const client = ['ticket', 'login', 'logout'].includes(command); // asks a service, which has one

const problems = isRelaunched ? [] : checkReady({ database: !help && !doctor && !client });
if (problems.length > 0) {
  process.stderr.write(explain(problems));
  process.exitCode = 1;
} else {
  if (command === 'demo' && !help && !isRelaunched) await readySandbox();
  const here = findNode() === process.execPath;
  await launch({ entry: 'src/main', self: fileURLToPath(import.meta.url), here });
}
