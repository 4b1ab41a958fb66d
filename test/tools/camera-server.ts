import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pngOf } from './make-png.ts';

/* A tool server that takes pictures: of page.html where it was started, and such as nobody should keep. */

const image = (content: Uint8Array, mimeType = 'image/png') => ({
  type: 'image',
  mimeType,
  data: Buffer.from(content).toString('base64'),
});
const large = (bytes: number) => Buffer.concat([pngOf('large'), Buffer.alloc(bytes)]);

const tools: Record<string, () => object[]> = {
  screenshot: () => [image(pngOf(readFileSync('page.html', 'utf8')))],
  garbage: () => [image(Buffer.from('<svg onload=alert(1)>'))],
  heavy: () => [image(large(4_000_000))],
  huge: () => [image(large(50_000_000))],
  hundred: () => Array.from({ length: 100 }, (_, index) => image(pngOf(`${index}`))),
  leak: () => [image(Buffer.concat([pngOf('leak'), Buffer.from(process.env.KEY ?? '')]))],
  webp: () => [image(Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1'), 'image/webp')],
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize')
    send(id, {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'camera', version: '1.0' },
    });
  if (method === 'tools/list')
    send(id, {
      tools: Object.keys(tools).map((name) => ({ name, description: name, inputSchema: { type: 'object' } })),
    });
  if (method === 'tools/call') send(id, { content: tools[params.name]?.() ?? [] });
});

function send(id: unknown, result: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}
