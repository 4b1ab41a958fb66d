import { createProgram } from './cli/program.ts';

process.exitCode = await createProgram({
  cwd: process.cwd(),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
}).run(process.argv.slice(2));
