"""The compiler: upstream's definitions -> api-specs/ -> generated/. A build tool."""
