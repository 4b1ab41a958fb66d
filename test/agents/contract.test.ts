import { createBuiltInAgent } from '../../src/agents/built-in/index.ts';
import { testAgent } from '../contracts/agent.ts';
import { createScriptModel } from './script-model.ts';

testAgent({
  name: 'built-in',
  create(turns) {
    const script = turns.map(({ text = '', calls }) => ({
      text,
      calls: calls.map((call, index) => ({ id: `call-${index + 1}`, ...call })),
    }));
    const model = createScriptModel(script);
    return { agent: createBuiltInAgent({ model }), lastRequest: () => model.sent.at(-1) ?? '' };
  },
});
