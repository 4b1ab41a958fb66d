import { describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/agent.ts';
import { createBudget, nothingUsed, unlimited } from '../../src/core/budget.ts';
import { RunLost } from '../../src/core/step.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import { accepted, createContext, createTool, saying } from '../agents/bench.ts';
import { addPrompt, createLedger, Killed } from '../agents/memory-journal.ts';

/** What the model behind the agent does in one turn. */
export interface ContractTurn {
  text?: string;
  calls: { name: string; input: unknown }[];
}

export interface AgentUnderTest {
  name: string;
  /** An agent whose model plays these turns, and what that model was last sent. */
  create(turns: ContractTurn[]): { agent: Agent; lastRequest(): string };
}

const finish = { calls: [{ name: 'finish', input: { title: 'Title', summary: 'Summary' } }] };

function calling(name: string): ContractTurn {
  return { calls: [{ name, input: {} }] };
}

/** Every agent passes this. */
export function testAgent({ name, create }: AgentUnderTest): void {
  const never = () => new AbortController().signal;
  const session = () => createSessionTools({ finish: async () => accepted });

  describe(`agent contract: ${name}`, () => {
    test('works until a tool ends the run, with each call in the journal once', async () => {
      const ledger = createLedger();
      let looks = 0;
      const look = createTool('look', true, () => saying(`look ${++looks}`));
      const { agent } = create([calling('look'), finish]);
      const outcome = await agent.run(createContext(ledger, { tools: [look, ...session()] }), never());
      expect(outcome).toEqual({ stopReason: 'finished', message: 'done' });
      expect(looks).toBe(1);
      expect(ledger.steps.filter((step) => step.kind === 'tool').map((step) => step.completed)).toEqual([true, true]);
      expect(ledger.steps.every((step) => step.completed)).toBe(true);
    });

    test('stops where people must decide', async () => {
      const { agent } = create([{ calls: [{ name: 'ask', input: { question: 'Which?' } }] }]);
      const outcome = await agent.run(createContext(createLedger()), never());
      expect(outcome).toEqual({ stopReason: 'needsInput', message: 'Which?' });
    });

    test('hears what people say while it works', async () => {
      const ledger = createLedger();
      const look = createTool('look', true, () => {
        addPrompt(ledger, 'Mind the tests.');
        return saying('seen');
      });
      const { agent, lastRequest } = create([calling('look'), finish]);
      await agent.run(createContext(ledger, { tools: [look, ...session()] }), never());
      expect(lastRequest()).toContain('Mind the tests.');
      expect(ledger.prompts.map((prompt) => prompt.readBy)).toEqual([expect.any(String)]);
    });

    test('is told what the service has to tell', async () => {
      const { agent, lastRequest } = create([finish]);
      await agent.run(createContext(createLedger(), { notes: ['It was restored.'] }), never());
      expect(lastRequest()).toContain('It was restored.');
    });

    test('makes no call that is not permitted', async () => {
      let made = false;
      const look = createTool('look', true, () => {
        made = true;
        return saying('seen');
      });
      const { agent } = create([calling('look'), finish]);
      await agent.run(createContext(createLedger(), { tools: [look, ...session()], deny: ['look'] }), never());
      expect(made).toBe(false);
    });

    test('stops when its budget is spent', async () => {
      const { agent } = create([finish]);
      const budget = createBudget({
        limits: { ...unlimited, turns: 5 },
        used: { ...nothingUsed, turns: 5 },
        worked: () => 0,
      });
      expect((await agent.run(createContext(createLedger(), { budget }), never())).stopReason).toBe('budgetExceeded');
    });

    test('ends at once on an abort, and when the run is lost', async () => {
      const controller = new AbortController();
      const ledger = createLedger();
      const stop = createTool('stop', true, () => {
        controller.abort();
        return saying('stopped');
      });
      const lose = createTool('lose', true, () => {
        ledger.attempts.set('run-1', 9);
        return saying('lost');
      });
      const first = create([calling('stop'), finish]).agent;
      await expect(
        first.run(createContext(createLedger(), { tools: [stop, ...session()] }), controller.signal),
      ).rejects.toThrow();
      const second = create([calling('lose'), finish]).agent;
      await expect(second.run(createContext(ledger, { tools: [lose, ...session()] }), never())).rejects.toThrow(
        RunLost,
      );
    });

    test('goes on after a crash, and repeats no completed call', async (context) => {
      const ledger = createLedger();
      const made: string[] = [];
      const write = createTool('write', false, (_, { key }) => {
        made.push(key);
        return saying('written');
      });
      const tools = [write, ...session()];
      const { agent } = create([calling('write'), calling('write'), finish]);
      if (!agent.capabilities.exactResume) context.skip(`${name} does not go on from the exact step`);
      const kill = () => ledger.steps.filter((step) => step.completed).length >= 3;
      await expect(agent.run(createContext(ledger, { tools, kill }), never())).rejects.toThrow(Killed);
      const outcome = await agent.run(createContext(ledger, { tools }), never());
      expect(outcome.stopReason).toBe('finished');
      expect(made).toEqual([...new Set(made)]);
      expect(made).toHaveLength(2);
    });
  });
}
