/** Runs many tasks, a few at a time, and keeps the order of their results. */
export async function runPool<Task, Result>(
  tasks: readonly Task[],
  width: number,
  run: (task: Task) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(tasks.length);
  const queue = tasks.entries();
  const work = async () => {
    for (const [index, task] of queue) results[index] = await run(task);
  };
  await Promise.all(Array.from({ length: width }, work));
  return results;
}
