import type { Heard } from '../agents/agent.ts';
import type { Database } from '../store/database.ts';
import { unreadPrompts } from '../store/prompts.ts';

/**
 * What a run hears before each of its turns: what people said since, and what the service has to tell the agent of it.
 * All of it is read from the store each time, so that it comes to the same after a crash.
 */
export async function hear(db: Database, sessionId: string): Promise<Heard> {
  return { prompts: await unreadPrompts(db, sessionId), notes: [] };
}
