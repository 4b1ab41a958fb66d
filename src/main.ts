import { createProgram } from './cli/program.ts';

process.exitCode = await createProgram({
  cwd: process.cwd(),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  get stdin() {
    return process.stdin; // opened when somebody asks for it
  },
  self: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
}).run(process.argv.slice(2));
