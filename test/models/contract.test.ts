import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel } from '../../src/models/index.ts';
import { describeModel } from '../contracts/model.ts';
import { startModelServer } from '../stand-ins/model-server/server.ts';

describeModel({
  name: 'scripted',
  tellsCacheWrites: true,
  carriesMalformedArguments: true,
  async start(script) {
    const folder = await mkdtemp(join(tmpdir(), 'shipmate-script-'));
    const file = join(folder, 'script.yaml');
    await writeFile(file, script);
    const again = () => createModel(`scripted:${file}`, { keys: {}, baseUrls: {} });
    return { model: again(), again, close: () => rm(folder, { recursive: true }) };
  },
});

for (const { spec, tellsCacheWrites, carriesMalformedArguments } of [
  { spec: 'anthropic:claude-opus-5-5', tellsCacheWrites: true, carriesMalformedArguments: true },
  { spec: 'openai:gpt-6.1-sol', tellsCacheWrites: true, carriesMalformedArguments: true },
  { spec: 'openai-compatible:qwen3-coder', tellsCacheWrites: false, carriesMalformedArguments: true },
  { spec: 'gemini:gemini-4-argon', tellsCacheWrites: false, carriesMalformedArguments: false },
])
  describeModel({
    name: `${spec} over its wire format`,
    tellsCacheWrites,
    carriesMalformedArguments,
    async start(script) {
      const server = await startModelServer({ script, key: 'key-1' });
      const { url } = server;
      const again = () =>
        createModel(spec, {
          keys: { anthropic: 'key-1', openai: 'key-1', gemini: 'key-1' },
          baseUrls: { anthropic: url, openai: `${url}/v1`, gemini: `${url}/v1beta` },
        });
      return { model: again(), again, close: server.close };
    },
  });
