import { createPublicKey, createVerify, generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import type { Clock } from '../linear/clock.ts';
import { badCredentials, invalid, notFound, Refusal } from './refusal.ts';
import type { Repository, User } from './rows.ts';

export type Permissions = Record<string, 'read' | 'write' | 'admin'>;

export interface App {
  id: number;
  slug: string;
  name: string;
  owner: User;
  /** The account as which its installations act. */
  bot: User;
  privateKey: string;
  permissions: Permissions;
  events: string[];
  webhookUrl: string | null;
  webhookSecret: string;
}

export interface Installation {
  id: number;
  account: User;
  /** null: all of the account's. */
  selected: Set<Repository> | null;
  permissions: Permissions;
  suspendedAt: string | null;
  isDeleted: boolean;
  createdAt: string;
}

export interface Token {
  value: string;
  user: User;
  /** null: a person's own token, that may what the person may. */
  installation: Installation | null;
  /** null: all that the installation has. */
  repositories: Repository[] | null;
  permissions: Permissions;
  expiresAt: number;
  isRevoked: boolean;
}

/** What an App of ours is given when it is made, as our manifest asks for it. */
const usual: Permissions = {
  actions: 'write',
  checks: 'write',
  contents: 'write',
  deployments: 'read',
  issues: 'write',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'read',
};

let key: string | null = null;

/** One key for all tests of a process: making one takes a while. */
export function testKey(): string {
  key ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString();
  return key;
}

export interface Apps {
  app: App;
  installations: Installation[];
  tokens: Token[];
  /** `selected`: only these repositories. */
  install(account: User, selected?: Repository[]): Installation;
  /** A classic personal token. */
  personalToken(user: User): string;
  /** Whether the bearer is the App itself. Throws what the real one answers to a JWT that is not good. */
  isApp(bearer: string): boolean;
  /** Throws 401 for one that is unknown, expired, revoked or whose installation is gone. */
  tokenOf(bearer: string): Token;
  /** `POST /app/installations/{id}/access_tokens` */
  mint(installation: Installation, wanted: Wanted, repositories: Repository[]): Token;
  covers(installation: Installation, repository: Repository): boolean;
}

interface Wanted {
  repositories?: string[];
  repository_ids?: number[];
  permissions?: object;
}

export function createApps(
  clock: Clock,
  nextId: () => number,
  addUser: (login: string, type: User['type']) => User,
): Apps {
  const slug = 'shipmate';
  const app: App = {
    id: randomInt(100_000, 999_999),
    slug,
    name: 'Shipmate',
    owner: addUser('acme-admins', 'Organization'),
    bot: addUser(`${slug}[bot]`, 'Bot'),
    privateKey: testKey(),
    permissions: { ...usual },
    events: ['*'],
    webhookUrl: null,
    webhookSecret: 'github-webhook-secret',
  };
  const installations: Installation[] = [];
  const tokens: Token[] = [];

  function covers({ account, selected }: Installation, repository: Repository): boolean {
    return selected ? selected.has(repository) : repository.owner === account;
  }

  function add(token: Omit<Token, 'isRevoked'>): Token {
    const made = { ...token, isRevoked: false };
    tokens.push(made);
    return made;
  }

  return {
    app,
    installations,
    tokens,
    covers,

    install(account, selected) {
      const installation: Installation = {
        id: nextId(),
        account,
        selected: selected ? new Set(selected) : null,
        permissions: { ...app.permissions },
        suspendedAt: null,
        isDeleted: false,
        createdAt: clock.stamp(),
      };
      installations.push(installation);
      return installation;
    },

    personalToken: (user) =>
      add({
        value: `ghp_${randomBytes(27).toString('hex').slice(0, 36)}`,
        user,
        installation: null,
        repositories: null,
        permissions: {},
        expiresAt: Number.POSITIVE_INFINITY,
      }).value,

    isApp(bearer) {
      const [head = '', claims = '', signature = ''] = bearer.split('.');
      if (signature === '' || bearer.startsWith('gh')) return false;
      const fits = createVerify('RSA-SHA256')
        .update(`${head}.${claims}`)
        .verify(createPublicKey(app.privateKey), Buffer.from(signature, 'base64url'));
      if (!fits) throw new Refusal(401, 'A JSON web token could not be decoded');
      const { iss, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      const now = clock.now() / 1000;
      if (String(iss) !== String(app.id)) throw new Refusal(404, 'Integration not found');
      if (exp <= now)
        throw new Refusal(
          401,
          "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        );
      if (exp - now > 660) throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
      if (iat > now + 60)
        throw new Refusal(
          401,
          "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        );
      return true;
    },

    tokenOf(bearer) {
      const token = tokens.find(({ value }) => value === bearer);
      if (!token || token.isRevoked || token.expiresAt <= clock.now()) throw badCredentials();
      if (token.installation?.isDeleted) throw badCredentials();
      if (token.installation?.suspendedAt) throw new Refusal(403, 'This installation has been suspended');
      return token;
    },

    mint(installation, wanted, repositories) {
      if (installation.isDeleted) throw notFound();
      if (installation.suspendedAt) throw new Refusal(403, 'This installation has been suspended');
      const mine = repositories.filter((repository) => covers(installation, repository));
      let chosen: Repository[] | null = null;
      if (wanted.repositories || wanted.repository_ids) {
        const byName = (wanted.repositories ?? []).map((name) => mine.find((each) => each.name === name));
        const byId = (wanted.repository_ids ?? []).map((id) => mine.find((each) => each.id === id));
        chosen = [...byName, ...byId].filter((each) => each !== undefined);
        if (chosen.length < byName.length + byId.length)
          throw new Refusal(
            422,
            'There is at least one repository that does not exist or is not accessible to the parent installation.',
          );
      }
      const rank = { read: 1, write: 2, admin: 3 };
      const asked = wanted.permissions as Permissions | undefined;
      for (const [name, level] of Object.entries(asked ?? {}))
        if (rank[level] > (rank[installation.permissions[name] as 'read'] ?? 0))
          throw new Refusal(422, 'The permissions requested are not granted to this installation.');
      if (chosen && chosen.length > 500)
        throw invalid({ resource: 'Installation', code: 'invalid', field: 'repositories' });
      const random = (bytes: number) => randomBytes(bytes).toString('base64url');
      return add({
        value: `ghs_${app.id}_${random(27)}.${random(205)}.${random(140)}`,
        user: app.bot,
        installation,
        repositories: chosen,
        permissions: { metadata: 'read', ...(asked ?? installation.permissions) },
        expiresAt: Math.floor(clock.now() / 1000) * 1000 + 3_600_000,
      });
    },
  };
}

/** Whether a token may do what an operation needs: "contents:write", several of which one is enough parted by "|". */
export function mayDo(token: Token, needs: string): boolean {
  return needs.split('|').some((each) => {
    const [name = '', level] = each.split(':');
    const has = token.permissions[name];
    return has !== undefined && (level === 'read' || has !== 'read');
  });
}
