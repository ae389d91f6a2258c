"""The reports of services/inspection as text: a module per subcommand of `soma room`, each with
`lines(report)`.

Whoever writes the events is not to be trusted with the terminal: `lines.clean` is applied to every
line before it is printed.
"""
