/** In the page, before its own scripts: tells the test of each violation of the content security policy. */
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
  globalThis.reportViolation(`${violatedDirective} by ${blockedURI} at ${sourceFile}:${lineNumber}`);
});
