/** In the page, before its own scripts: keeps the length of every task that kept the page from answering for 50 ms or more. */
globalThis.longTasks = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) globalThis.longTasks.push({ startTime, duration });
}).observe({ type: 'longtask', buffered: true });
