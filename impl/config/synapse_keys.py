"""Keys of Synapse's configuration that Soma knows by name and does not read.

A plain table: a key moves out of it when a reader of it is written (parts.py).
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nothing is lost without them: what they tune, Soma does not have or does by itself. No warning.
NOT_NEEDED = _words(
    """
    background_updates bcrypt_rounds caches daemonize enable_media_repo event_cache_size
    federation_rr_transactions_per_room_per_second federation_sender_instances form_secret
    form_secret_path gc_min_interval gc_thresholds instance_map macaroon_secret_key
    macaroon_secret_key_path media_instance_running_background_jobs no_tls
    notify_appservices_from_worker outbound_federation_restricted_to pid_file print_pidfile
    pusher_instances redis report_stats report_stats_endpoint run_background_tasks_on
    send_federation soft_file_limit start_pushers stream_writers suppress_key_server_warning
    sync_response_cache_duration update_user_directory_from_worker use_frozen_dicts
    user_agent_suffix web_client worker_replication_secret worker_replication_secret_path
    """
)

# They mean something, and Soma does not do it yet. Each is named in a warning.
NOT_SUPPORTED = _words(
    """
    account_threepid_delegates account_validity admin_contact alias_creation_rules
    allow_per_room_profiles allow_underscore_prefixed_registration
    allowed_local_3pids auto_accept_invites auto_join_mxid_localpart auto_join_rooms
    auto_join_rooms_for_guests autocreate_auto_join_room_preset autocreate_auto_join_rooms
    autocreate_auto_join_rooms_federated cas_config
    default_identity_server default_power_level_content_override delete_stale_devices_after
    disable_msisdn_registration dont_notify_new_devices_for email
    enable_3pid_changes enable_3pid_lookup
    enable_ephemeral_messages enable_local_media_storage enable_metrics
    enable_registration_captcha enable_room_list_search enable_search
    encryption_enabled_by_default_for_room_type exclude_rooms_from_presence
    exclude_rooms_from_sync federation_metrics_domains
    forgotten_room_retention_period
    group_creation_prefix hs_disabled hs_disabled_message
    include_profile_data_on_invite jwt_config
    limit_profile_requests_to_users_who_share_rooms limit_usage_by_mau login_fallback
    manhole manhole_settings matrix_authentication_service matrix_rtc
    mau_appservice_trial_days mau_limit_alerting mau_limit_reserved_threepids mau_stats_only
    mau_trial_days max_event_delay_duration max_mau_value
    max_spider_size media_storage_providers
    metrics_flags metrics_port modules next_link_domain_whitelist
    oembed oidc_config oidc_providers opentracing password_providers
    perspectives push recaptcha_private_key
    recaptcha_private_key_path recaptcha_public_key recaptcha_public_key_path
    recaptcha_siteverify_api registrations_require_3pid
    request_token_inhibit_3pid_errors
    require_membership_for_aliases room_list_publication_rules room_prejoin_state
    saml2_config sentry server_context server_notices spam_checker sso stats templates
    third_party_event_rules track_appservice_user_ips
    track_puppeted_user_ips url_preview_accept_language
    url_preview_enabled url_preview_ip_range_blacklist url_preview_ip_range_whitelist
    url_preview_url_blacklist use_appservice_legacy_authorization user_consent
    user_ips_max_age user_types web_client_location
    """
)

# They belong to one process of many; in Soma all workers are alike.
WORKER_KEYS = _words(
    """
    worker_app worker_daemonize worker_listeners worker_log_config worker_main_http_uri
    worker_manhole worker_name worker_pid_file worker_replication_host
    worker_replication_http_port worker_replication_port
    """
)

# Of `experimental_features`: here, whatever the file says. All but dehydrated devices (msc3814) are
# in the specification by now.
EXPERIMENTS_PRESENT = _words(
    """
    faster_joins_enabled msc2285_enabled msc3030_enabled msc3266_enabled msc3440_enabled
    msc3706_enabled msc3758_exact_event_match msc3773_enabled msc3786_enabled msc3787_enabled
    msc3814_enabled msc3823_account_suspension msc3827_enabled msc3856_enabled
    msc3952_intentional_mentions msc3958_supress_edit_notifs
    msc3966_exact_event_property_contains msc3981_recurse_relations
    msc4115_membership_on_events_enabled msc4133_enabled msc4151_enabled msc4155_enabled
    msc4156_enabled msc4169_enabled msc4210_enabled msc4222_enabled msc4267_enabled spaces_enabled
    """
)
