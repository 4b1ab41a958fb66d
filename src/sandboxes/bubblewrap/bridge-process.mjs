// Runs inside a sandbox that reaches named hosts only: hands what comes to a port of its own loopback on to the socket of
// the proxy outside. It decides nothing, so it does not matter what a command does to it.
import { closeSync, openSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [port, path] = process.argv.slice(2);

const server = createServer({ allowHalfOpen: true }, (inside) => {
  const outside = connect({ path, allowHalfOpen: true });
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ]) {
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => one.readableEnded || other.destroy());
  }
});

server.listen(Number(port), '127.0.0.1', () => {
  writeSync(1, 'ready');
  // Whoever started it waits for the end of its output; the lowest free descriptor is the one that was just closed.
  for (const fd of [1, 2]) {
    closeSync(fd);
    openSync('/dev/null', 'w');
  }
});
