import { readFileSync } from 'node:fs';
import { markHere, stamp } from './mark.ts';

export const description =
  'File a ticket in the tracker from this conversation and the code in view. Use only when the user asks to make or file a ticket.';

/** The instructions for a coding model; what the user typed stands where `$ARGUMENTS` does. */
export function readInstructions(): string {
  return readFileSync(new URL('../make-ticket.md', import.meta.url), 'utf8');
}

/**
 * An Agent Skill (agentskills.io). `argument-hint` and `disable-model-invocation` are extensions of Claude Code, Cursor and
 * VS Code, which the others pass over; by `allowed-tools` Claude Code does not ask again for what the user has just asked for,
 * under the name of the server as we write it and of the plugin's. Codex appends what the user typed instead of putting it in
 * place of `$ARGUMENTS`.
 */
export function skillFile(version: string): string {
  const head = [
    'name: make-ticket',
    `description: ${description}`,
    'argument-hint: "[what is wrong or wanted]"',
    'disable-model-invocation: true',
    'allowed-tools: mcp__shipmate__make_ticket mcp__plugin_shipmate_shipmate__make_ticket',
    'metadata:',
    `  written-by: ${markHere}`,
  ];
  return stamp(`---\n${head.join('\n')}\n---\n\n${readInstructions()}`, version);
}

/** A custom command of Gemini CLI, which knows skills, but not by what the user typed after their names. */
export function geminiCommand(version: string): string {
  const body = readInstructions().replace('$ARGUMENTS', '{{args}}');
  if (body.includes("'''")) throw new Error("make-ticket.md holds ''', which ends a literal string of TOML");
  return stamp(`# written by ${markHere}\ndescription = "${description}"\nprompt = '''\n${body}'''\n`, version);
}
