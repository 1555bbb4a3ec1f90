/** Arguments for Node that make a process leave a CPU profile when it ends. */
export function profileArguments(name: string, directory: string | undefined): string[] {
  if (directory === undefined) return [];
  const file = `${name.replaceAll(/[^a-z]+/gi, '-')}.cpuprofile`;
  return ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-name=${file}`];
}
