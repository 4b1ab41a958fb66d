/** A ticket whose every part is understood (`readFacts`); hints stand in comments, which say nothing. */
export const ticketTemplate = `# Title: what is wanted, in one line

<!-- What is wanted, and why. For a bug: the steps, what happens, and what should happen. Attach mockups and logs. -->

## Acceptance criteria

<!-- What must hold when it is done, one a line. Each is answered in the pull request, with its evidence. -->

- [ ]

## Repository

<!-- Its name, or name#branch. -->

## Base branch

<!-- Where the work begins, if not on the default branch. -->

## Deadline

<!-- 2026-12-31 -->

## Risk

<!-- What must not go wrong, and for whom. -->

## Allowed paths

<!-- Globs, one a line, such as src/billing/**: a change of anything else is held. -->

## Exit commands

<!-- Commands, one a line, that must succeed on the finished change, beside the repository's own. -->

## Approval

<!-- "plan": wait for a yes to the plan before anything is changed. -->

## Stages

<!-- For a ticket with sub-tickets: "review-each" or "review-end". -->
`;
