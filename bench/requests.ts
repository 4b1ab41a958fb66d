import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import type { Row } from './figures.ts';
import { startBenchService } from './service.ts';

/** What a session costs before it has said anything: the first request as it went over the wire. */
export async function benchRequests(): Promise<Row[]> {
  const service = await startBenchService({ slots: 1, script: '' });
  try {
    const body = service.requests[0]?.body ?? '{}';
    const { system = [], tools = [] } = JSON.parse(body) as {
      system?: { text: string }[];
      tools?: { name: string; description: string; input_schema: unknown }[];
    };
    const text = system.map((block) => block.text).join('\n');
    const builtIn = tools
      .filter(({ name }) => !name.startsWith('git_'))
      .map(({ name, description, input_schema }) => ({ name, description, input_schema }));
    const tokens = encode(text).length + encode(JSON.stringify(builtIn)).length;
    return [
      {
        figure: 'system prompt and built-in tools (o200k)',
        goal: '1,300 tokens',
        value: `${tokens.toLocaleString('en')} tokens`,
      },
      { figure: 'first request', goal: '8 kB', value: `${(Buffer.byteLength(body) / 1000).toFixed(1)} kB` },
    ];
  } finally {
    await service.stop();
  }
}
