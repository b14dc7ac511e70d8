/** Whose session it is, in the words of the template `ATTACH_COMMAND`. */
interface AttachNames {
  /** What ECS calls the task: its ARN. */
  readonly task: string;
  readonly session: string;
  readonly socket: string;
}

/** What to paste into a terminal to watch a session: the deployment's template, with this session's names in it. */
export function attachCommand(template: string, names: AttachNames): string {
  return template.replaceAll(/\{(task|session|socket)\}/g, (_, name: keyof AttachNames) => names[name]);
}
