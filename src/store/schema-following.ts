import type { Generated } from 'kysely';
import type { RequestPhase } from '../core/following.ts';
import type { Remark } from '../core/request-progress.ts';
import type { Json, NullableTime, Time } from './schema.ts';

/** Tables of what becomes of pull requests. */
export interface FollowingTables {
  followed_requests: {
    session_id: string;
    repository: string;
    branch: string;
    number: number | null;
    phase: RequestPhase;
    head: string | null;
    head_at: NullableTime;
    rounds: Generated<number>;
    asked: Generated<boolean>;
    closing: string;
    draft: boolean;
    look_at: NullableTime;
    hints: Generated<number>;
    told: Generated<string[]>;
  };
  remarks: {
    session_id: string;
    key: string;
    number: number;
    remark: Json<Remark>;
    code: string;
    prompt: string | null;
    taken_at: Time;
    answered_at: NullableTime;
  };
}
