import { createProgram } from './cli/program.ts';

// `| head` reads no further: that ends us as a signal would, without a word and with everything put away.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.emit('SIGTERM');
  });

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
