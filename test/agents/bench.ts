import type { AgentContext } from '../../src/agents/agent.ts';
import { createBudget, unlimited } from '../../src/core/budget.ts';
import { decideToolCall } from '../../src/core/policy.ts';
import type { Tool, ToolResult, ToolRunContext } from '../../src/core/tool.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import { createMemoryJournal, type Ledger, type MemoryJournalOptions, takePrompts } from './memory-journal.ts';

export interface BenchOptions extends MemoryJournalOptions {
  tools?: Tool[];
  notes?: string[];
  budget?: AgentContext['budget'];
  tree?: AgentContext['tree'];
  deny?: string[];
  images?: AgentContext['images'];
  reports?: unknown[];
}

/** What an agent is given, over a ledger. No sandbox: the tools are the test's own. */
export function createContext(ledger: Ledger, options: BenchOptions = {}): AgentContext {
  const tools = options.tools ?? createSessionTools({ finish: async () => accepted });
  return {
    brief: { system: 'You are a test.', request: 'Do the work.' },
    journal: createMemoryJournal(ledger, options),
    prompts: takePrompts(ledger),
    images: options.images ?? new Map(),
    notes: options.notes ?? [],
    tools,
    tree: options.tree ?? (() => null),
    sandbox: { exec: unused, spawn: unused, close: async () => {} },
    budget: options.budget ?? createBudget({ limits: unlimited, worked: () => 0 }),
    permit: ({ name }) => decideToolCall(name, tools, { deny: options.deny ?? [] }),
    report: (update) => void options.reports?.push(update),
  };
}

export const accepted: ToolResult = {
  text: 'Verified.',
  isError: false,
  outcome: { stopReason: 'finished', message: 'done' },
};

/** A tool of the test's own. */
export function createTool(
  name: string,
  readOnly: boolean,
  run: (input: unknown, context: ToolRunContext) => Promise<ToolResult> | ToolResult,
): Tool {
  return {
    name,
    description: name,
    inputSchema: { type: 'object' },
    readOnly,
    describe: (input) => ({ action: name, parameter: JSON.stringify(input) }),
    run: async (input, context) => run(input, context),
  };
}

export function saying(text: string): ToolResult {
  return { text, isError: false };
}

function unused(): never {
  throw new Error('this test has no sandbox');
}
