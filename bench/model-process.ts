import { startModelServer } from '../test/stand-ins/model-server/server.ts';

/** A model on loopback in a process of its own: what it costs must not count as the worker's. Its parent sends the script first. */
process.once('message', async (script: string) => {
  const server = await startModelServer({ script });
  process.send?.(server.url);
  process.once('disconnect', () => process.exit());
});
