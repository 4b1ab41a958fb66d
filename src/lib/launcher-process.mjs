// The small process that starts all others; see launcher.ts. Plain JavaScript: what strips types would be most of its memory.
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';

const { O_RDONLY, O_WRONLY, O_RDWR } = constants;
const processes = new Map();

process.title = 'shipmate-launcher';
// It ends with the service, which is told of signals itself and has work to finish then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.on('disconnect', () => process.exit());

process.on('message', (message) => {
  if (message.type === 'launch') launch(message);
  else {
    const pipe = processes.get(message.id)?.stdio[message.fd];
    if (message.type === 'write') pipe?.write(message.chunk);
    if (message.type === 'end') pipe?.end();
  }
});

/** Nobody hears it when the service is gone; then this ends, too. */
function tell(message) {
  if (process.connected) process.send(message, () => {});
}

function launch({ id, command, args, cwd, env, detached, stdio }) {
  const opened = [];
  try {
    const ends = stdio.map((end) => (typeof end === 'string' ? end : openEnd(end, opened)));
    const child = spawn(command, args, { cwd, env, detached, stdio: ends });
    child.on('error', (error) => child.pid === undefined && refuse(id, error));
    if (child.pid === undefined) return;
    processes.set(id, child);
    tell({ type: 'launched', id, pid: child.pid });
    child.stdio.forEach((pipe, fd) => {
      if (!pipe) return;
      pipe.on('error', () => {}); // it may end without having read all; its exit code tells
      pipe.on('data', (chunk) => tell({ type: 'data', id, fd, chunk }));
      pipe.on('end', () => tell({ type: 'end', id, fd }));
    });
    child.on('exit', (code) => tell({ type: 'exit', id, code }));
    child.on('close', () => {
      processes.delete(id);
      tell({ type: 'close', id });
    });
  } catch (error) {
    refuse(id, error);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function refuse(id, error) {
  tell({ type: 'refused', id, code: error.code, message: error.message });
}

/** Of a FIFO, either end alone would wait for the other, which may be gone by now. */
function openEnd({ path, write }, opened) {
  const both = openSync(path, O_RDWR);
  try {
    opened.push(openSync(path, write ? O_WRONLY : O_RDONLY));
  } finally {
    closeSync(both);
  }
  return opened.at(-1);
}
