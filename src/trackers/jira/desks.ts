import type { Sites } from './sites.ts';
import type { StatusNames } from './states.ts';

/** What all that is read goes by. */
export interface Desks {
  sites: Sites;
  /** The agent's name, as people write it in a mention. */
  agent: string;
  /** An issue that has it is the agent's; null: labels give nothing to it. */
  label: string | null;
  /** An issue in this status is the agent's, whoever is assigned; null: none. */
  status: string | null;
  /** Issues that this JQL finds are the agent's, too; null: none. */
  jql: string | null;
  states: StatusNames;
  now(): number;
}
