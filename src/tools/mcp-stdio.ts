import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { SandboxProcess } from '../sandboxes/sandbox.ts';
import type { Gauge, Link } from './mcp-client.ts';

/** To a process over its stdio. */
export async function linkToProcess(process: SandboxProcess, maxBytes: number, gauge: Gauge): Promise<Link> {
  const { ReadBuffer, serializeMessage } = await import('@modelcontextprotocol/sdk/shared/stdio.js');
  const buffer = new ReadBuffer({ maxBufferSize: maxBytes });
  // Of a line that has not ended: the buffer would copy all of it for each chunk.
  let pending: Buffer[] = [];
  let lastWords = '';
  const transport: Link['transport'] = {
    async start() {
      process.stdout.on('data', (chunk: Buffer) => {
        if (!gauge.takes(chunk.length)) {
          pending = [];
          return;
        }
        pending.push(chunk);
        if (!chunk.includes(10)) return;
        try {
          buffer.append(Buffer.concat(pending.splice(0)));
        } catch (error) {
          return gauge.ends((error as Error).message);
        }
        while (deliverNext());
      });
      process.stderr.on('data', (chunk: Buffer) => {
        if (gauge.takes(chunk.length)) lastWords = (lastWords + chunk.toString('utf8')).slice(-800);
      });
      process.stdout.resume();
      process.stderr.resume();
      process.stdin.on('error', () => {}); // it has ended; `exited` tells
      void process.exited.then(async (code) => {
        const read = Promise.allSettled([finished(process.stdout), finished(process.stderr)]);
        await Promise.race([read, delay(500, undefined, { ref: false })]);
        const words = lastWords.trim();
        gauge.ends(`it ended${code === null ? '' : ` with exit code ${code}`}${words ? `, saying: ${words}` : ''}`);
      });
    },
    async send(message) {
      process.stdin.write(serializeMessage(message));
    },
    async close() {},
  };
  function deliverNext(): boolean {
    if (!gauge.counts()) return false;
    let message: JSONRPCMessage | null;
    try {
      message = buffer.readMessage();
    } catch {
      return true; // a line that is no message: servers print to stdout by mistake
    }
    if (message) transport.onmessage?.(message);
    return message !== null;
  }
  return { transport, close: () => process.kill() };
}
