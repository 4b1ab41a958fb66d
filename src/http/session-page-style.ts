import { Markup } from './session-page-markup.ts';

/** The page's only style sheet. No file is fetched for it, so that a page can be read wherever it can be had. */
export const style = new Markup(`
:root {
  color-scheme: light dark;
  --ink: #1c1e21; --soft: #5c636b; --line: #dcdfe3; --paper: #ffffff; --ground: #f5f6f7; --link: #0b57b7;
  --good: #1a7f37; --bad: #c62828; --busy: #0b57b7; --ask: #9a6700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e6e9; --soft: #9aa2ab; --line: #33383e; --paper: #1b1e22; --ground: #131518; --link: #7db4ff;
    --good: #57c26f; --bad: #ff8078; --busy: #7db4ff; --ask: #e0b341;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere; -webkit-text-size-adjust: 100%;
}
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
p, ul, ol, pre, blockquote, table { margin: 0 0 0.6rem; }
:is(section, li, .text, .wide, blockquote, td) > :last-child { margin-bottom: 0; }
ul, ol { padding-left: 1.4rem; }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre {
  padding: 0.6rem 0.75rem; border-radius: 6px; background: var(--ground);
  white-space: pre-wrap; max-height: 24rem; overflow: auto;
}
:not(pre, header p) > code { padding: 0.1em 0.3em; border-radius: 4px; background: var(--ground); }
blockquote { padding-left: 0.75rem; border-left: 3px solid var(--line); color: var(--soft); }
hr { border: 0; border-top: 1px solid var(--line); }
h1 { margin: 0.15rem 0 1rem; font-size: 1.5rem; line-height: 1.3; text-wrap: balance; }
h2 { margin: 0 0 0.6rem; font-size: 1rem; }
header p, footer, time, .soft { color: var(--soft); }
header p { margin: 0; }
time, footer, .soft { font-size: 0.875rem; font-weight: 400; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }
section { margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); }
.state { font-weight: 600; }
.state::before {
  content: ""; display: inline-block; width: 0.65em; height: 0.65em; margin-right: 0.5em;
  border-radius: 50%; background: var(--soft);
}
.good, .complete { color: var(--good); }
.bad, .error { color: var(--bad); }
.active { color: var(--busy); }
.awaitingInput { color: var(--ask); }
.complete::before { background: var(--good); }
.error::before { background: var(--bad); }
.active::before { background: var(--busy); }
.awaitingInput::before { background: var(--ask); }
.plan, .rows { padding: 0; list-style: none; }
.plan li { position: relative; padding: 0.15rem 0 0.15rem 1.75rem; }
.plan li > span:first-child { position: absolute; left: 0.1rem; color: var(--soft); }
.plan .completed > span:first-child { color: var(--good); }
.plan .completed, .plan .canceled { color: var(--soft); }
.plan .canceled { text-decoration: line-through; }
.plan .inProgress { font-weight: 600; }
.rows > li { padding: 0.6rem 0; border-top: 1px solid var(--line); }
.rows > li:first-child { padding-top: 0; border-top: 0; }
.rows > li:last-child { padding-bottom: 0; }
.rows .kind { font-weight: 600; }
.shot { display: block; margin-top: 0.5rem; }
.shot img { max-width: 100%; max-height: 30rem; border: 1px solid var(--line); border-radius: 6px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.25rem 1rem 0.25rem 0; text-align: left; vertical-align: top; }
.text th, .text td { padding: 0.25rem 0.6rem; border: 1px solid var(--line); }
.cost { width: 100%; font-variant-numeric: tabular-nums; }
.cost th { font-weight: 400; color: var(--soft); }
.cost td:last-child { width: 35%; padding-right: 0; }
meter { width: 100%; height: 0.7rem; vertical-align: middle; }
@media (max-width: 30rem) {
  main { padding: 1rem 0.6rem 2rem; }
  section { padding: 0.85rem; }
  h1 { font-size: 1.25rem; }
}
@media print { body, section { background: none; } section { border: 0; padding: 0; } pre { max-height: none; } }
`);
