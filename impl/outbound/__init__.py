"""HTTP that we send: to other servers, application services and push gateways."""
