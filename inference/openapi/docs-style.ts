/** The style of the page /docs, in a light and a dark scheme. Every pair of colours has a contrast above 4.5. */
export const docsStyle = `
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --code: #f3f5f7; --link: #0550ae; --accent: #0a5d2c; --on-accent: #fff }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --quiet: #a2abb5; --line: #3a424c; --code: #161b22; --link: #79c0ff; --accent: #7ee2a0; --on-accent: #06210f } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line) } h3 { font-size: 1rem; margin-bottom: 0 }
a { color: var(--link) } a:focus-visible, summary:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
code, pre, textarea { font: .875rem/1.45 ui-monospace, monospace }
code { background: var(--code); border-radius: 3px; padding: 0 .2em } pre code { padding: 0 }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 4px; padding: .75rem; white-space: pre-wrap; margin: .5rem 0 } pre:has(code:empty) { display: none }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem } caption { text-align: left; color: var(--quiet) }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .5rem .3rem 0; text-align: left; vertical-align: top; font-weight: normal }
thead th { color: var(--quiet) } th { overflow-wrap: break-word } th code { overflow-wrap: anywhere } .inputs th[scope=row] { min-width: 10rem }
summary { cursor: pointer; padding: .4rem 0 } .method { font-weight: 700; color: var(--accent) }
label { display: block; color: var(--quiet) }
textarea, input { width: 100%; background: var(--code); color: var(--text); border: 1px solid var(--quiet); border-radius: 4px; padding: .5rem } input { max-width: 28rem; font: inherit }
button { background: var(--accent); color: var(--on-accent); border: 0; border-radius: 4px; padding: .5rem 1.25rem; font: inherit; font-weight: 600; cursor: pointer }
[hidden] { display: none }
`;
