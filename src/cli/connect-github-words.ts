/** What a person has to do for GitHub, in lines of a terminal. */

export function openPage(url: string, port: number, seconds: number): string[] {
  return [
    'Open this page in a browser on this machine, and press the button:',
    url,
    `(From another machine: ssh -L ${port}:127.0.0.1:${port} there first.)`,
    'GitHub shows what the App may do, lets you change its name, and sends you back.',
    `Waiting for that, for ${seconds} seconds at most; Ctrl-C leaves. In place of an App, for a try: shipmate connect github --token`,
  ];
}

export function withoutWebhooks(seconds: number): string[] {
  return [
    `No webhook can come, so GitHub is asked every ${seconds} seconds. That is enough for a small team.`,
    'For webhooks, write an address that leads to this service into shipmate.yaml:',
    '',
    'http:',
    '  publicUrl: https://shipmate.example.com',
  ];
}

/** The file works for a shell, for systemd and for containers, because no value needs quotes. */
export function useKeys(path: string): string[] {
  return [
    `Its keys are in ${path}, which only you can read. Give them to the service, whichever way you start it:`,
    `- a shell: set -a; . ${quoted(path)}; set +a`,
    `- systemd: EnvironmentFile=${path}`,
    `- a container: --env-file ${quoted(path)}`,
    'Keep it out of git. GitHub does not tell these keys again; on the page of the App you can make others.',
  ];
}

export function tokenSteps(webUrl: string, hookUrl: string | null): string[] {
  return [
    'A token acts as the user who made it: take a user of its own for the agent, or what it does looks like yours.',
    `1. As that user, make a classic token with the scope "repo": ${webUrl}/settings/tokens/new?scopes=repo`,
    `   A fine-grained one is narrower (${webUrl}/settings/personal-access-tokens/new; Contents, Pull requests and Issues: read`,
    '   and write; Actions, Commit statuses and Deployments: read), but GitHub lets none of these see checks: with it, work does',
    '   not wait for CI that reports by checks, such as GitHub Actions.',
    '2. export GITHUB_TOKEN=...',
    '3. In shipmate.yaml, github.agent: the login of that user, as people mention it.',
    hookUrl === null
      ? 'GitHub is then asked every few seconds, and needs no webhooks.'
      : `4. For webhooks, in each repository under Settings, Webhooks: ${hookUrl}, application/json, a secret, which is GITHUB_WEBHOOK_SECRET, too. Without them GitHub is asked every few seconds.`,
    'Then run `shipmate connect github` again.',
  ];
}

function quoted(path: string): string {
  return /^[\w./@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
