"""Spec names to Python names."""

import pytest

from codegen import names


@pytest.mark.parametrize(
    ("operation_id", "function"),
    [
        ("sendMessage", "send_message"),
        ("add3PID", "add_3pid"),
        ("post3PIDs", "post_3pids"),
        ("getAccount3PIDs", "get_account_3pids"),
        ("delete3pidFromAccount", "delete_3pid_from_account"),
        ("getValidated3pidV2", "get_validated_3pid_v2"),
        ("requestTokenTo3PIDMSISDN", "request_token_to_3pid_msisdn"),
        ("redirectToIdP", "redirect_to_idp"),
        ("redirectToSSO", "redirect_to_sso"),
        ("uploadContentToMXC", "upload_content_to_mxc"),
        ("queryUserByID", "query_user_by_id"),
        ("getRoomIdByAlias", "get_room_id_by_alias"),
        ("sendJoinV2", "send_join_v2"),
        ("logout_all", "logout_all"),
        ("requestOpenIdToken", "request_open_id_token"),
    ],
)
def test_an_operation_id_becomes_a_function_name(operation_id, function):
    assert names.function_name(operation_id) == function


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("from", "from_"),
        ("class", "class_"),
        ("is", "is_"),
        ("field", "field_"),
        ("redirectUrl", "redirect_url"),
        ("roomIdOrAlias", "room_id_or_alias"),
        ("m.read.private", "m_read_private"),
        ("invite_3pid", "invite_3pid"),
        ("3pid", "n3pid"),
        ("ed25519", "ed25519"),
    ],
)
def test_a_key_becomes_an_attribute_name(name, attribute):
    assert names.attribute_name(name) == attribute


def test_a_type_is_named_after_operation_and_role():
    assert names.type_name("add3PID", "Body") == "Add3pidBody"
    assert names.type_name("logout_all", "Response") == "LogoutAllResponse"


def test_a_module_is_named_after_its_file():
    assert names.module_name("invites-v1.yaml") == "invites_v1"
    assert names.module_name("msc4186.yaml") == "msc4186"
