import type { CodePlace } from './capture.ts';

/*
 * Errors of software that runs, as a source of alerts tells of them. What strangers sent is in them, for anybody can send an
 * error: data, never instructions.
 */

/**
 * What is done about an error. `ticket`: it is filed. `root-cause`: the agent is given the ticket to say the cause, and changes
 * nothing until people tell it to. `pull-request`: the agent is given it to mend.
 */
export const alertLevels = ['ticket', 'root-cause', 'pull-request'] as const;
export type AlertLevel = (typeof alertLevels)[number];

/** What is done with the errors of one project. */
export interface AlertRule {
  /** As the source calls it: "acme/web". */
  project: string;
  /** The name of the repository whose code runs there. */
  repository: string;
  level: AlertLevel;
  /** An error with fewer is left alone. */
  minEvents: number;
  /** Tickets of a day, in UTC. */
  perDay: number;
  /** Where it is filed; null: where the repository's tickets go. */
  team: string | null;
  ticketProject: string | null;
  labels: string[];
  /** Errors of others are left alone; empty: of none. */
  environments: string[];
}

/** Which error of which project: all that is believed of a webhook. */
export interface AlertedKey {
  project: string;
  /** The source's own id of the error. */
  error: string;
}

/** `told`: it happened. The others say what people, or the source, made of it. */
export interface AlertSignal extends AlertedKey {
  type: 'told' | 'cameBack' | 'resolved' | 'archived';
}

/** An error as its source has it now. Texts are clean, bounded, and without secrets and personal data. */
export interface AlertedError extends AlertedKey {
  /** What people call it: "WEB-1A". */
  name: string;
  title: string;
  url: string;
  status: 'open' | 'resolved' | 'archived';
  /** It was resolved and happens again. */
  cameBack: boolean;
  events: number;
  users: number;
  /** ISO 8601. */
  lastSeen: string | null;
  /** How often, since when, in which releases and environment: a line each, as the source itself knows it. */
  facts: string[];
  /** What may have caused it, a line each; written by those who made the commits. */
  suspects: string[];
  /** What it said and where it happened, the innermost first. */
  trace: string;
  /** Why there is not more to see; null: there is. */
  limits: string | null;
  places: CodePlace[];
  environment: string | null;
  /** The newest release that it was seen in, and when that was made (ISO 8601). */
  lastRelease: { version: string; at: string | null } | null;
}

/** An error that a ticket is about. */
export interface TicketError {
  /** Which source of alerts told of it, by its kind. */
  source: string;
  project: string;
  /** What people call it: "WEB-1A". */
  name: string;
  url: string;
  /** Only its cause is wanted. */
  causeOnly: boolean;
  /** It is called as tickets of ours are: whoever reads its name may take it for one of those. */
  isLikeTicket: boolean;
}

/** What was merged for an error. */
export interface MergedFix {
  /** ISO 8601; by our own clock, when it was seen. */
  mergedAt: string;
  commits: string[];
  /** The number of its pull request; null: it has none. */
  request: number | null;
}

/** A release with that. */
export interface FixedRelease {
  version: string;
  /** ISO 8601. */
  at: string;
}

/** Where a stored alert stands: `new` nobody has looked at it; `waiting` it has too few events; `capped` the tickets of its day were used up; `filing`, `filed`; `left` nothing is done about it. */
export type AlertState = 'new' | 'waiting' | 'capped' | 'filing' | 'filed' | 'left';
