import type { Generated } from 'kysely';
import type { RequestPhase } from '../core/following.ts';
import type { PreviewOutcome, PreviewPlan } from '../core/previews.ts';
import type { Remark } from '../core/request-progress.ts';
import type { Json, NullableJson, NullableTime, Time } from './schema.ts';

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
    preview: NullableJson<PreviewPlan>;
  };
  previews: {
    session_id: string;
    repository: string;
    head: string;
    url: string;
    environment: string;
    commands: NullableJson<string[]>;
    outcome: NullableJson<PreviewOutcome>;
    run_at: NullableTime;
    tries: Generated<number>;
    told_at: Time;
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
